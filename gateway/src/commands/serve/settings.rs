//! What the options amount to.

use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use crate::auth::{Lifetimes, LoginLimits, Quota};
use crate::commands::CommandError;
use crate::config::Options;
use crate::mail::MailSettings;
use crate::server::{Tls, TlsFiles};

/// How often one address may log in, as far as it is a setting.
pub(super) fn login_limits(options: &Options) -> LoginLimits {
    let quota = |burst: Option<NonZeroU32>, per_minute: Option<NonZeroU32>, usual: Quota| Quota {
        burst: burst.map_or(usual.burst, NonZeroU32::get),
        each: per_minute.map_or(usual.each, |number| Duration::from_secs(60) / number.get()),
    };
    let usual = LoginLimits::default();
    LoginLimits {
        attempts: quota(options.logins_burst, options.logins_per_minute, usual.attempts),
        new_users: quota(
            options.new_users_burst,
            options.new_users_per_minute,
            usual.new_users,
        ),
        ..usual
    }
}

/// How long sessions and their tokens are good for.
pub(super) fn lifetimes(options: &Options) -> Result<Lifetimes, CommandError> {
    let within = |flag: &str, chosen: Option<i64>, usual: i64, range: RangeInclusive<i64>| {
        let seconds = chosen.unwrap_or(usual);
        if range.contains(&seconds) {
            return Ok(seconds);
        }
        let (least, most) = (range.start(), range.end());
        Err(CommandError::Usage(format!(
            "--{flag} takes {least} to {most} seconds, not {seconds}"
        )))
    };
    let usual = Lifetimes::default();
    Ok(Lifetimes {
        access: within(
            "access-token-lifetime",
            options.access_token_lifetime,
            usual.access,
            Lifetimes::ACCESS,
        )?,
        refresh: within(
            "refresh-token-lifetime",
            options.refresh_token_lifetime,
            usual.refresh,
            Lifetimes::REFRESH,
        )?,
    })
}

/// How users get mails; in development mode their links are in the log where nothing is said.
pub(super) fn mail_settings(options: &Options) -> Result<MailSettings, CommandError> {
    match (&options.smtp_url, &options.mail_from, &options.mail_dir) {
        (Some(url), Some(from), None) => Ok(MailSettings::Smtp {
            url: url.clone(),
            from: from.clone(),
        }),
        (None, None, Some(directory)) => Ok(MailSettings::Directory(directory.clone())),
        (None, None, None) if options.dev == Some(true) => Ok(MailSettings::Log),
        (None, None, None) => Ok(MailSettings::Off),
        (Some(_), _, Some(_)) => Err(CommandError::Usage(
            "mails go to --smtp-url or to --mail-dir, not to both".to_owned(),
        )),
        _ => Err(CommandError::Usage(
            "mails by a server need both --smtp-url and --mail-from".to_owned(),
        )),
    }
}

/// By which certificate and key it serves TLS; none where the options name no files.
pub(super) fn tls(options: &Options) -> Result<Option<Arc<Tls>>, CommandError> {
    let files = match (&options.tls_cert, &options.tls_key, &options.client_ca) {
        (Some(certificate), Some(key), client_ca) => TlsFiles {
            certificate: certificate.clone(),
            key: key.clone(),
            client_ca: client_ca.clone(),
        },
        (None, None, None) => return Ok(None),
        _ => {
            let text = "TLS needs both --tls-cert and --tls-key";
            return Err(CommandError::Usage(text.to_owned()));
        }
    };
    let tls = Tls::open(files).map_err(|error| CommandError::CannotStart(error.to_string()))?;
    Ok(Some(Arc::new(tls)))
}
