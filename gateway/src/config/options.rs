//! The one list of settings: what follows a field's name is its flag, its key in a file, and with a prefix its environment
//! variable.

use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::builder::BoolishValueParser;
use serde::{Deserialize, Serialize};

use super::Day;
use crate::auth::Lifetimes;
use crate::cluster::{NamedUri, Uri};
use crate::definition::Secret;
use crate::proxies::Network;
use crate::public_url::PublicUrl;

/// Settings, each of which may be given or not.
#[derive(clap::Args, Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Options {
    /// Run in development mode
    #[arg(long, env = "REALM_INGEST_GATEWAY_DEV", value_name = "BOOL", num_args = 0..=1, require_equals = true,
          default_missing_value = "true", value_parser = BoolishValueParser::new())]
    pub dev: Option<bool>,
    /// Directory of an App Services app to serve, read again on SIGHUP; may be given more than once
    #[arg(
        long,
        env = "REALM_INGEST_GATEWAY_APP",
        value_name = "DIRECTORY",
        value_delimiter = ','
    )]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub app: Vec<PathBuf>,
    /// File with the secrets of the apps, in TOML: name = "value"; those of the environment (REALM_INGEST_SECRET_NAME) go before
    #[arg(long, env = "REALM_INGEST_GATEWAY_SECRETS", value_name = "FILE")]
    pub secrets: Option<PathBuf>,
    /// Address to listen on [default: 127.0.0.1:9090]; port 0 takes a free one
    #[arg(long, env = "REALM_INGEST_GATEWAY_LISTEN", value_name = "ADDRESS")]
    pub listen: Option<String>,
    /// Address to serve /metrics and /healthz on, or a port of 127.0.0.1; without it nothing of them is served. Whoever reaches it
    /// sees how much is sent, without a password and without TLS
    #[arg(long, env = "REALM_INGEST_GATEWAY_METRICS_LISTEN", value_name = "ADDRESS")]
    pub metrics_listen: Option<String>,
    /// Directory of the server's data [default: ./realm-ingest-data]
    #[arg(long, env = "REALM_INGEST_GATEWAY_DATA", value_name = "DIRECTORY")]
    pub data: Option<PathBuf>,
    /// MongoDB to keep everything in instead of the directory, such as mongodb://user:password@db.example/?replicaSet=rs0. Has a
    /// password: better given by the environment or in the file than by the flag
    #[arg(
        long,
        env = "REALM_INGEST_GATEWAY_MONGODB",
        value_name = "URI",
        hide_env_values = true
    )]
    #[serde(skip_serializing)]
    pub mongodb: Option<Uri>,
    /// Database there with what the gateways share: users, sessions, positions, dead letters [default: realm_ingest]
    #[arg(long, env = "REALM_INGEST_GATEWAY_MONGODB_DATABASE", value_name = "NAME")]
    pub mongodb_database: Option<String>,
    /// Where a data source of an app's directory is, if not at --mongodb: NAME=URI; may be given more than once
    #[arg(
        long,
        env = "REALM_INGEST_GATEWAY_DATA_SOURCE",
        value_name = "NAME=URI",
        value_delimiter = ' ',
        hide_env_values = true
    )]
    #[serde(skip_serializing)]
    pub data_source: Vec<NamedUri>,
    /// The client app id, of --dev or of the one app whose directory names none; without it, --dev takes any id for its app
    #[arg(long, env = "REALM_INGEST_GATEWAY_APP_ID", value_name = "ID")]
    pub app_id: Option<String>,
    /// Let development mode listen on an address that other machines reach, and answer to any name
    #[arg(long, env = "REALM_INGEST_GATEWAY_EXPOSE_DEV_MODE_TO_NETWORK", value_name = "BOOL", num_args = 0..=1,
          require_equals = true, default_missing_value = "true", value_parser = BoolishValueParser::new())]
    pub expose_dev_mode_to_network: Option<bool>,
    /// Where clients are sent, such as https://gateway.example; the address they asked if left out
    #[arg(long, env = "REALM_INGEST_GATEWAY_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<PublicUrl>,
    /// Network of proxies whose X-Forwarded-For, -Proto and -Host are believed; may be given more than once
    #[arg(
        long,
        env = "REALM_INGEST_GATEWAY_TRUSTED_PROXY",
        value_name = "CIDR",
        value_delimiter = ','
    )]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub trusted_proxy: Vec<Network>,
    /// Certificate chain to serve TLS with, in PEM; read again on SIGHUP and when the file changes
    #[arg(long, env = "REALM_INGEST_GATEWAY_TLS_CERT", value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,
    /// Private key of the certificate, in PEM
    #[arg(long, env = "REALM_INGEST_GATEWAY_TLS_KEY", value_name = "FILE")]
    pub tls_key: Option<PathBuf>,
    /// Certificates in PEM: only clients with one that these have signed may connect
    #[arg(long, env = "REALM_INGEST_GATEWAY_CLIENT_CA", value_name = "FILE")]
    pub client_ca: Option<PathBuf>,
    /// Log-ins with a password, an API key or a token that one address may try at once [default: 1000]
    #[arg(long, env = "REALM_INGEST_GATEWAY_LOGINS_BURST", value_name = "NUMBER")]
    pub logins_burst: Option<NonZeroU32>,
    /// Those it may try again in each minute after that [default: 60]
    #[arg(long, env = "REALM_INGEST_GATEWAY_LOGINS_PER_MINUTE", value_name = "NUMBER")]
    pub logins_per_minute: Option<NonZeroU32>,
    /// Users, anonymous or registered, that one address may make at once [default: 1000]
    #[arg(long, env = "REALM_INGEST_GATEWAY_NEW_USERS_BURST", value_name = "NUMBER")]
    pub new_users_burst: Option<NonZeroU32>,
    /// Those it may make again in each minute after that [default: 60]
    #[arg(
        long,
        env = "REALM_INGEST_GATEWAY_NEW_USERS_PER_MINUTE",
        value_name = "NUMBER"
    )]
    pub new_users_per_minute: Option<NonZeroU32>,
    /// Connections that one address may have [default: 1024]
    #[arg(
        long,
        env = "REALM_INGEST_GATEWAY_CONNECTIONS_PER_ADDRESS",
        value_name = "NUMBER"
    )]
    pub connections_per_address: Option<NonZeroU32>,
    /// Seconds that an access token is good for, from 5 to 1800 [default: 1800]
    #[arg(
        long,
        env = "REALM_INGEST_GATEWAY_ACCESS_TOKEN_LIFETIME",
        value_name = "SECONDS"
    )]
    pub access_token_lifetime: Option<i64>,
    /// Until this day, such as 2027-03-31 (UTC), imported users may go on with sessions that App Services opened: nobody can check
    /// their tokens, so whoever knows a user's id may, too
    #[arg(long, env = "REALM_INGEST_GATEWAY_OLD_SESSIONS_UNTIL", value_name = "DATE")]
    pub old_sessions_until: Option<Day>,
    /// Seconds that a refresh token and its session are good for, from a minute to five years; those of anonymous users always are
    /// for 50 years [default: 5184000, 60 days]
    #[arg(
        long,
        env = "REALM_INGEST_GATEWAY_REFRESH_TOKEN_LIFETIME",
        value_name = "SECONDS"
    )]
    pub refresh_token_lifetime: Option<i64>,
    /// Server that sends mails to users, such as smtps://user:password@mail.example:465, or smtp://...?tls=required for STARTTLS.
    /// Has a password: better given by the environment or in the file than by the flag
    #[arg(
        long,
        env = "REALM_INGEST_GATEWAY_SMTP_URL",
        value_name = "URL",
        hide_env_values = true
    )]
    #[serde(skip_serializing)]
    pub smtp_url: Option<Secret>,
    /// Whom mails come from, such as 'Weather <weather@example.com>'
    #[arg(long, env = "REALM_INGEST_GATEWAY_MAIL_FROM", value_name = "ADDRESS")]
    pub mail_from: Option<String>,
    /// Directory where each mail becomes a file, instead of being sent
    #[arg(long, env = "REALM_INGEST_GATEWAY_MAIL_DIR", value_name = "DIRECTORY")]
    pub mail_dir: Option<PathBuf>,
    /// How the log is written [default: text]
    #[arg(long, env = "REALM_INGEST_GATEWAY_LOG_FORMAT", value_name = "FORMAT")]
    pub log_format: Option<LogFormat>,
}

/// How the log is written.
#[derive(clap::ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// An object a line.
    Json,
}

impl Options {
    /// These, and of the others what is not given here.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            dev: self.dev.or(other.dev),
            app: either(self.app, other.app),
            secrets: self.secrets.or(other.secrets),
            listen: self.listen.or(other.listen),
            metrics_listen: self.metrics_listen.or(other.metrics_listen),
            data: self.data.or(other.data),
            mongodb: self.mongodb.or(other.mongodb),
            mongodb_database: self.mongodb_database.or(other.mongodb_database),
            data_source: either(self.data_source, other.data_source),
            app_id: self.app_id.or(other.app_id),
            expose_dev_mode_to_network: self
                .expose_dev_mode_to_network
                .or(other.expose_dev_mode_to_network),
            public_url: self.public_url.or(other.public_url),
            trusted_proxy: either(self.trusted_proxy, other.trusted_proxy),
            tls_cert: self.tls_cert.or(other.tls_cert),
            tls_key: self.tls_key.or(other.tls_key),
            client_ca: self.client_ca.or(other.client_ca),
            logins_burst: self.logins_burst.or(other.logins_burst),
            logins_per_minute: self.logins_per_minute.or(other.logins_per_minute),
            new_users_burst: self.new_users_burst.or(other.new_users_burst),
            new_users_per_minute: self.new_users_per_minute.or(other.new_users_per_minute),
            connections_per_address: self.connections_per_address.or(other.connections_per_address),
            access_token_lifetime: self.access_token_lifetime.or(other.access_token_lifetime),
            refresh_token_lifetime: self.refresh_token_lifetime.or(other.refresh_token_lifetime),
            old_sessions_until: self.old_sessions_until.or(other.old_sessions_until),
            smtp_url: self.smtp_url.or(other.smtp_url),
            mail_from: self.mail_from.or(other.mail_from),
            mail_dir: self.mail_dir.or(other.mail_dir),
            log_format: self.log_format.or(other.log_format),
        }
    }

    /// What holds where nothing is given.
    #[must_use]
    pub fn defaults() -> Self {
        let lifetimes = Lifetimes::default();
        Self {
            dev: Some(false),
            listen: Some("127.0.0.1:9090".to_owned()),
            data: Some("./realm-ingest-data".into()),
            mongodb_database: Some("realm_ingest".to_owned()),
            expose_dev_mode_to_network: Some(false),
            // As in `LoginLimits`, which says why.
            logins_burst: NonZeroU32::new(1_000),
            logins_per_minute: NonZeroU32::new(60),
            new_users_burst: NonZeroU32::new(1_000),
            new_users_per_minute: NonZeroU32::new(60),
            connections_per_address: NonZeroU32::new(1_024),
            access_token_lifetime: Some(lifetimes.access),
            refresh_token_lifetime: Some(lifetimes.refresh),
            log_format: Some(LogFormat::default()),
            ..Self::default()
        }
    }
}

/// The list, or the other one where nothing is in it.
fn either<T>(list: Vec<T>, other: Vec<T>) -> Vec<T> {
    if list.is_empty() { other } else { list }
}
