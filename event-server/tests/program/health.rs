use crate::collector::Collector;

#[test]
fn a_collector_that_runs_is_alive_and_ready() {
    let collector = Collector::start();
    assert_eq!(collector.get("/health/live").json()["status"], "live");
    let ready = collector.get("/health/ready");
    assert_eq!((ready.status, &ready.json()["status"]), (200, &"ready".into()));
    assert_eq!(collector.request("HEAD", "/health/live", &[], "").status, 200);
}

#[test]
fn the_program_asks_a_collector_whether_it_is_ready() {
    let mut collector = Collector::start();
    let address = collector.address().to_string();
    let ask = || {
        Collector::program()
            .args(["health", "--listen", &address])
            .output()
            .unwrap()
    };
    let ready = ask();
    assert!(ready.status.success(), "{}", String::from_utf8_lossy(&ready.stderr));
    assert!(String::from_utf8_lossy(&ready.stdout).starts_with('{'));
    collector.kill();
    let gone = ask();
    assert_eq!(gone.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&gone.stderr).contains("does not answer"));
}
