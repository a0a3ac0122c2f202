//! What `heraldo dev` prints when it is ready: what there is, and what to do next.

use std::net::SocketAddr;
use std::path::Path;

use heraldo_domain::account::KeyText;
use heraldo_wire::id::CompanyId;

use crate::links;

pub struct Greeting<'a> {
    /// How this program was called.
    pub program: &'a str,
    pub address: SocketAddr,
    pub receiver: SocketAddr,
    pub public_url: &'a str,
    pub data_dir: &'a Path,
    pub company: CompanyId,
    /// Only on the first run: later its text is known to nobody here.
    pub api_key: Option<&'a str>,
    pub sign_in_token: &'a KeyText,
}

impl Greeting<'_> {
    pub fn text(&self) -> String {
        let Self {
            receiver,
            public_url,
            ..
        } = self;
        let mut lines = vec![
            format!("Heraldo is ready on http://{}", self.address),
            String::new(),
        ];
        match self.api_key {
            Some(key) => lines.push(format!("  API key     {key}  (shown once: keep it)")),
            None => lines.push(
                "  API key     as the first run showed it; the command below makes another"
                    .to_owned(),
            ),
        }
        lines.extend([
            format!("  company     {}", self.company),
            format!("  dashboard   {}", links::dashboard(public_url)),
            format!(
                "  sign in     {}  (works once, within 24 hours)",
                links::sign_in(public_url, self.sign_in_token)
            ),
            format!("  receiver    http://{receiver}/webhook  (built in: verifies each event and shows it here)"),
            format!("  data        {}", self.data_dir.display()),
            String::new(),
        ]);
        if self.api_key.is_none() {
            lines.extend([
                "To make another API key and keep it in HERALDO_API_KEY:".to_owned(),
                String::new(),
                format!("  {}", self.new_key()),
                String::new(),
            ]);
        }
        lines.push(
            "Copy these three: a webhook for the receiver, an inspection, its deliveries."
                .to_owned(),
        );
        lines.push(String::new());
        lines.extend(self.curl().map(|line| format!("  {line}")));
        lines.extend([
            String::new(),
            "What arrives at the receiver is shown below. Ctrl-C stops.".to_owned(),
        ]);
        lines.join("\n")
    }

    /// Makes a key without showing it.
    fn new_key(&self) -> String {
        format!(
            "export HERALDO_API_KEY=$({} key create --plain --data-dir {} --company {} --scopes \
             inspections,webhooks,secrets,admin)",
            quoted(self.program),
            quoted(&self.data_dir.display().to_string()),
            self.company
        )
    }

    fn curl(&self) -> [String; 3] {
        let api = format!("http://{}/v1", self.address);
        // In double quotes, so that the shell puts the variable's value in.
        let key = match self.api_key {
            Some(key) => format!("-H 'x-api-key: {key}'"),
            None => "-H \"x-api-key: $HERALDO_API_KEY\"".to_owned(),
        };
        let json = "-H 'content-type: application/json'";
        let events = "\"inspection_created\",\"inspection_started\",\"inspection_completed\"";
        let webhook = format!(
            "{{\"endpoint\":\"http://{}/webhook\",\"events\":[{events}]}}",
            self.receiver
        );
        let inspection = "{\"templateId\":\"easy\",\"car\":{\"plate\":\"AB123CD\"}}";
        [
            format!("curl -sS {api}/notification/webhook {key} {json} -d '{webhook}'"),
            format!("curl -sS {api}/inspection/car {key} {json} -d '{inspection}'"),
            format!("curl -sS {api}/notification/delivery {key}"),
        ]
    }
}

/// The text as one word of the shell.
fn quoted(text: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-".contains(letter);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}
