//! Functions that an operator wrote.

use serde_json::Value;

/// A function.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Function {
    /// JavaScript whose `exports` is the function.
    pub source: String,
    /// Clients cannot call it.
    pub private: bool,
    /// Who may call it, as an expression; everybody where there is none.
    pub can_evaluate: Option<Value>,
    /// Rules do not hold for it.
    pub run_as_system: bool,
    /// The user in whose place it runs.
    pub run_as_user: Option<String>,
    /// JavaScript that says who that is.
    pub run_as_user_script: Option<String>,
    /// What it is called with is not logged.
    pub hide_arguments: bool,
}
