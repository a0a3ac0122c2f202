//! Why a command did not do what it was asked, in words for the person at the terminal.

use std::fmt;

use heraldo_domain::store::StoreError;
use heraldo_store::OpenError;
use heraldo_store::sqlite::BackupError;
use heraldo_wire::problem::Problem;

/// One sentence, or several, that say what is wrong and what to do. It is printed once, by `main`.
#[derive(Debug)]
pub struct Failure(Vec<String>);

pub type Outcome<T = ()> = Result<T, Failure>;

impl Failure {
    pub fn new(sentence: impl Into<String>) -> Self {
        Self(vec![sentence.into()])
    }

    pub fn all(sentences: Vec<String>) -> Self {
        Self(sentences)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, sentence) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "heraldo: {sentence}")?;
        }
        Ok(())
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        Self::new(error.to_string())
    }
}

impl From<BackupError> for Failure {
    fn from(error: BackupError) -> Self {
        Self::new(error.to_string())
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::new(error.to_string())
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::new(problem.detail)
    }
}
