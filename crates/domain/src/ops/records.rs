//! Reads what is kept as records, for every kind alike.

use heraldo_wire::id::{CompanyId, Id};

use super::Context;
use crate::query::Page;
use crate::record::{Kept, Record};
use crate::store::StoreError;

impl Context {
    /// The document of this id, whosoever's it is: whoever asks compares the company.
    pub(super) async fn kept<T: Kept>(&self, id: Id) -> Result<Option<T>, StoreError> {
        let record = self.store.record(T::KIND, id).await?;
        record.as_ref().map(Record::read).transpose()
    }

    /// A page of a company's documents, newest first; only those of one subject, when it is given.
    pub(super) async fn kept_page<T: Kept>(
        &self,
        company_id: CompanyId,
        subject: Option<Id>,
        page: Page<Id>,
    ) -> Result<Vec<T>, StoreError> {
        let records = self.store.records(T::KIND, company_id, subject, page);
        records.await?.iter().map(Record::read).collect()
    }
}
