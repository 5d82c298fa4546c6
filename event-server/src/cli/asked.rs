//! Which events a command asks about: its flags are the parameters of `/v1/query`.

/// The flags of all questions.
#[derive(clap::Args)]
#[command(next_help_heading = "Which events")]
pub(super) struct Asked {
    /// Only events of this category
    #[arg(long)]
    category: Option<String>,
    /// Only events of this name
    #[arg(long)]
    name: Option<String>,
    /// Only what this application sent
    #[arg(long)]
    source: Option<String>,
    /// Only what is about this customer or user
    #[arg(long)]
    subject: Option<String>,
    /// Only events of this session
    #[arg(long)]
    session: Option<String>,
    /// Only events that have this value at a place of their data, say /country=FR; may be repeated
    #[arg(long = "where", value_name = "/POINTER=VALUE", value_parser = place)]
    places: Vec<(String, String)>,
    /// Only events from this time on: a date, or a time as RFC 3339 writes it
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Only events before this time
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// The time zone of dates, of times without an offset, and of buckets, say Europe/Paris
    #[arg(long)]
    zone: Option<String>,
}

fn place(text: &str) -> Result<(String, String), String> {
    let (pointer, value) = text.split_once('=').ok_or("write it as /pointer=value")?;
    if !pointer.starts_with('/') {
        return Err("the place is a JSON pointer into the data, say /country".to_owned());
    }
    Ok((pointer.to_owned(), value.to_owned()))
}

impl Asked {
    pub(super) fn category(&self) -> Option<&str> {
        self.category.as_deref()
    }

    pub(super) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The parameters that the flags stand for, and others.
    pub(super) fn pairs<'a>(&'a self, others: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<(&'a str, &'a str)> {
        let own = [
            ("category", &self.category),
            ("name", &self.name),
            ("source", &self.source),
            ("subject", &self.subject),
            ("session", &self.session),
            ("from", &self.from),
            ("to", &self.to),
            ("zone", &self.zone),
        ];
        let own = own
            .into_iter()
            .filter_map(|(name, value)| Some((name, value.as_deref()?)));
        let places = self
            .places
            .iter()
            .map(|(pointer, value)| (pointer.as_str(), value.as_str()));
        own.chain(places).chain(others).collect()
    }
}
