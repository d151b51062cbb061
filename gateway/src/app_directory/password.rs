//! `local-userpass`: e-mail addresses and passwords, how they are confirmed and how a password is reset.

use super::functions::{self, Functions};
use super::json::Object;
use crate::definition::{Confirmation, Mail, Password, Reset};

/// Characters of a subject.
const MAX_SUBJECT: usize = 256;

pub(super) fn read(provider: &Object<'_>, functions: &Functions) -> Password {
    let Some(config) = provider.required("config").and_then(|node| node.object()) else {
        return Password {
            confirmation: Confirmation::Automatic,
            reset: Reset::Off,
        };
    };
    let password = Password {
        confirmation: confirmation(&config, functions),
        reset: reset(&config, functions),
    };
    config.ignore(&["confirmationFunctionId", "resetFunctionId"]);
    config.finish();
    password
}

/// The first of the three that is chosen.
fn confirmation(config: &Object<'_>, functions: &Functions) -> Confirmation {
    let (automatic, by_function) = (config.flag("autoConfirm"), config.flag("runConfirmationFunction"));
    let function = config.get("confirmationFunctionName");
    let mail = mail(
        config,
        "emailConfirmationUrl",
        "confirmEmailSubject",
        "Confirm your address",
    );
    if automatic {
        return Confirmation::Automatic;
    }
    if by_function {
        let Some(node) = function else {
            config.node.refuse("'confirmationFunctionName' is missing");
            return Confirmation::Function(String::new());
        };
        node.warn("functions are not run by this version, so nobody can confirm an address by one");
        return Confirmation::Function(functions::named(&node, functions).unwrap_or_default());
    }
    mail.map_or_else(
        || {
            config.node.refuse(
                "nobody could ever log in; expected one of 'autoConfirm', 'runConfirmationFunction' and 'emailConfirmationUrl'",
            );
            Confirmation::Automatic
        },
        Confirmation::Mail,
    )
}

fn reset(config: &Object<'_>, functions: &Functions) -> Reset {
    let by_function = config.flag("runResetFunction");
    let function = config.get("resetFunctionName");
    let mail = mail(
        config,
        "resetPasswordUrl",
        "resetPasswordSubject",
        "Reset your password",
    );
    if by_function {
        let Some(node) = function else {
            config.node.refuse("'resetFunctionName' is missing");
            return Reset::Off;
        };
        node.warn("functions are not run by this version, so nobody can reset a password by one");
        return Reset::Function(functions::named(&node, functions).unwrap_or_default());
    }
    mail.map_or(Reset::Off, Reset::Mail)
}

/// The mail whose link leads to the URL of this key, if there is one.
fn mail(config: &Object<'_>, url: &str, subject: &str, default: &str) -> Option<Mail> {
    let subject = config.get(subject).and_then(|node| {
        let text = node.string()?;
        if text.chars().count() > MAX_SUBJECT || text.contains(char::is_control) {
            node.expected(&format!("one line of up to {MAX_SUBJECT} characters"));
        }
        Some(text)
    });
    let node = config.get(url)?;
    let url = node.string().filter(|url| !url.is_empty())?;
    if !url.contains("://") || url.contains(|char: char| char.is_whitespace() || char.is_control()) {
        node.expected("a URL to which 'token' and 'tokenId' are added");
    }
    Some(Mail {
        url: url.to_owned(),
        subject: subject
            .filter(|text| !text.is_empty())
            .unwrap_or(default)
            .to_owned(),
    })
}
