//! Transactions put together from operations, which may be spread over several records.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::UnusableLog;
use super::item::LogItem;
use super::record::{LogOperation, LogRecord, Lsn};

const START: u8 = 0x01;
const COMMIT: u8 = 0x02;
const CONTINUES: u8 = 0x04;
const WAS_CONTINUED: u8 = 0x08;
const END: u8 = 0x10;
const HEADER_MAGIC: &[u8] = b"NART";
const HEADER_BYTES: usize = 16;
/// Most bytes of transactions that wait for their commit.
const WAITING_BYTES_MAX: usize = 64 << 20;
/// Most operations of one replay.
const OPERATIONS_MAX: u32 = 1 << 20;

/// A transaction with its commit.
#[derive(Debug)]
pub struct LogTransaction {
    /// The record it began in.
    pub lsn: Lsn,
    header: Vec<u8>,
    pub items: Vec<LogItem>,
}

/// Transactions under way.
#[derive(Debug, Default)]
pub struct Transactions {
    open: HashMap<u32, LogTransaction>,
    waiting_bytes: usize,
    operations: u32,
}

impl Transactions {
    /// Takes a record and hands over the transactions that it commits.
    pub fn add(
        &mut self,
        record: &LogRecord,
        each: &mut dyn FnMut(&LogTransaction) -> Result<(), UnusableLog>,
    ) -> Result<(), UnusableLog> {
        if !record.header.is_little_endian() {
            return Err(UnusableLog::ByteOrder);
        }
        let data = record.data();
        let mut outcome = Ok(());
        let lsn = record.header.lsn;
        let is_whole = record.each_operation(&data, &mut |operation| {
            if outcome.is_ok() {
                outcome = self.add_operation(lsn, operation, each);
            }
        });
        outcome?;
        if is_whole {
            Ok(())
        } else {
            Err(UnusableLog::Transaction(
                "an operation reaches beyond its record",
            ))
        }
    }

    fn add_operation(
        &mut self,
        lsn: Lsn,
        operation: LogOperation<'_>,
        each: &mut dyn FnMut(&LogTransaction) -> Result<(), UnusableLog>,
    ) -> Result<(), UnusableLog> {
        self.operations = self.operations.saturating_add(1);
        if self.operations > OPERATIONS_MAX {
            return Err(UnusableLog::TooMuch(OPERATIONS_MAX));
        }
        let id = operation.transaction;
        let Entry::Occupied(open) = self.open.entry(id) else {
            if operation.flags & START != 0 {
                let new = LogTransaction {
                    lsn,
                    header: Vec::new(),
                    items: Vec::new(),
                };
                self.open.insert(id, new);
            }
            return Ok(());
        };
        let mut flags = operation.flags & !END;
        if flags & WAS_CONTINUED != 0 {
            flags &= !CONTINUES;
        }
        match flags {
            0 | CONTINUES => self.region(id, operation.bytes),
            WAS_CONTINUED => self.continued(id, operation.bytes),
            COMMIT => {
                let transaction = open.remove();
                let bytes: usize = transaction.items.iter().map(LogItem::bytes).sum();
                self.waiting_bytes = self.waiting_bytes.saturating_sub(bytes);
                if transaction.items.iter().any(|item| !item.is_whole()) {
                    return Err(UnusableLog::Transaction("an item without all its parts"));
                }
                each(&transaction)
            }
            _ => {
                open.remove();
                Ok(())
            }
        }
    }

    fn wait_for(&mut self, bytes: usize) -> Result<(), UnusableLog> {
        self.waiting_bytes = self.waiting_bytes.saturating_add(bytes);
        if self.waiting_bytes > WAITING_BYTES_MAX {
            return Err(UnusableLog::Transaction("it is larger than is kept"));
        }
        Ok(())
    }

    /// A new region: the transaction's own header first, then one after another those of its items.
    fn region(&mut self, id: u32, bytes: &[u8]) -> Result<(), UnusableLog> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.wait_for(bytes.len())?;
        let Some(transaction) = self.open.get_mut(&id) else {
            return Ok(());
        };
        if transaction.header.is_empty() {
            let is_header = bytes.starts_with(HEADER_MAGIC) && bytes.len() <= HEADER_BYTES;
            if !is_header {
                return Err(UnusableLog::Transaction("it begins without its header"));
            }
            transaction.header.extend_from_slice(bytes);
            return Ok(());
        }
        if let Some(item) = transaction.items.last_mut().filter(|item| !item.is_whole()) {
            item.add(bytes);
            return Ok(());
        }
        let item =
            LogItem::new(bytes).ok_or(UnusableLog::Transaction("an item without a format"))?;
        transaction.items.push(item);
        Ok(())
    }

    /// More of the region that came last.
    fn continued(&mut self, id: u32, bytes: &[u8]) -> Result<(), UnusableLog> {
        self.wait_for(bytes.len())?;
        let Some(transaction) = self.open.get_mut(&id) else {
            return Ok(());
        };
        match transaction.items.last_mut() {
            Some(item) => item.extend(bytes),
            None => transaction.header.extend_from_slice(bytes),
        }
        Ok(())
    }
}
