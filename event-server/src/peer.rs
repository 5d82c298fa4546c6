//! Whose connection a request came on.

use std::net::{IpAddr, Ipv6Addr};

/// The address at the other end of a connection: an extension of every request that
/// [`serve`](crate::serve) hands to a router. Behind a proxy it is the proxy's.
///
/// An application that serves the router itself inserts one, if peers without a good key are to be limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Peer(pub IpAddr);

impl Peer {
    /// What stands for one machine: of IPv6 whoever has an address has 2^64 of them.
    pub(crate) fn machine(self) -> IpAddr {
        match self.0.to_canonical() {
            IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
            address => address,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_has_many_addresses() {
        let machine = |text: &str| Peer(text.parse().unwrap()).machine().to_string();
        assert_eq!(machine("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(machine("::ffff:192.0.2.7"), "192.0.2.7");
        assert_eq!(machine("192.0.2.7"), "192.0.2.7");
    }
}
