//! What a login tells the server about this device.

use serde_json::{Value, json};

/// The fields of `options.device` that an application may set; the rest is known.
#[derive(Debug, Clone)]
pub struct DeviceInfo {
    /// The name of the SDK.
    pub sdk: String,
    /// Its version.
    pub sdk_version: String,
    /// The application's own name, or empty.
    pub bundle_id: String,
}

impl Default for DeviceInfo {
    fn default() -> DeviceInfo {
        DeviceInfo {
            sdk: "Realm Cpp".to_owned(),
            sdk_version: env!("CARGO_PKG_VERSION").to_owned(),
            bundle_id: String::new(),
        }
    }
}

impl DeviceInfo {
    pub(crate) fn options(&self, app_id: &str) -> Value {
        let platform = match std::env::consts::OS {
            "linux" => "Linux",
            "macos" => "macOS",
            "windows" => "Windows",
            "android" => "Android",
            "ios" => "iOS",
            _ => "unknown",
        };
        let architecture = match std::env::consts::ARCH {
            "aarch64" => "arm64",
            "arm" => "arm",
            "x86" => "x86",
            "x86_64" => "x86_64",
            _ => "unknown",
        };
        json!({"device": {
            "appId": app_id,
            "platform": platform,
            "platformVersion": "?",
            "sdk": self.sdk,
            "sdkVersion": self.sdk_version,
            "cpuArch": architecture,
            "deviceName": "",
            "deviceVersion": "",
            "frameworkName": self.sdk,
            "frameworkVersion": "",
            "coreVersion": env!("CARGO_PKG_VERSION"),
            "bundleId": self.bundle_id,
        }})
    }
}
