//! Prepared statements on a connection's own handle: the only code of this crate that the
//! compiler cannot check.
//!
//! What it rests on: the lock on the handle keeps sqlx's thread off the connection for as long as
//! the statements live; they are finalized before the lock is released, because [`Direct`] has both and
//! its `Drop` comes before that of what it has; one statement is used at a time, because [`Prepared`] borrows all of them;
//! what is bound lives until the last step that reads it is done, because whoever binds borrows it until then, and
//! binds every place anew before the next one; and what is read where it lies is gone before the next step, because it is shown
//! to a function that cannot keep it.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_int};
use std::marker::PhantomData;
use std::ptr::{self, NonNull};

use libsqlite3_sys as ffi;
use sea_orm::Value;
use sea_orm::sqlx::sqlite::LockedSqliteHandle;

use super::super::bind::{Bind, Cell, Kind};
use crate::error::{Cause, Error};

/// So many statements are kept; a transaction has about ten.
const MOST: usize = 32;

/// A handle that is locked, and what was prepared on it meanwhile.
pub(super) struct Direct<'c> {
    statements: Vec<(String, Statement)>,
    handle: LockedSqliteHandle<'c>,
}

/// A statement among those of a [`Direct`].
#[derive(Clone, Copy)]
struct Statement(NonNull<ffi::sqlite3_stmt>);

// SAFETY: a statement may go from thread to thread with its connection. What SQLite asks for is that no two threads
// use them at a time, and whoever uses one borrows the handle that is locked.
unsafe impl Send for Statement {}

impl<'c> Direct<'c> {
    pub(super) fn new(handle: LockedSqliteHandle<'c>) -> Self {
        Direct {
            statements: Vec::new(),
            handle,
        }
    }

    /// A statement, prepared now or before.
    pub(super) fn prepare(&mut self, sql: &str) -> Result<Prepared<'_>, Error> {
        let db = self.handle.as_raw_handle();
        let known = self.statements.iter().find(|(known, _)| known == sql);
        let statement = match known {
            Some((_, statement)) => *statement,
            None => self.new_statement(db, sql)?,
        };
        Ok(Prepared {
            db,
            statement: statement.0,
            handle: PhantomData,
        })
    }

    fn new_statement(&mut self, db: NonNull<ffi::sqlite3>, sql: &str) -> Result<Statement, Error> {
        let mut statement = ptr::null_mut();
        let bytes = c_int::try_from(sql.len()).map_err(|_| Error::corrupt("a statement of 2 GiB"))?;
        // SAFETY: the handle is open and locked; the text is read up to its length only.
        let code = unsafe {
            ffi::sqlite3_prepare_v2(
                db.as_ptr(),
                sql.as_ptr().cast(),
                bytes,
                &raw mut statement,
                ptr::null_mut(),
            )
        };
        let statement = match NonNull::new(statement) {
            Some(statement) if code == ffi::SQLITE_OK => Statement(statement),
            _ => return Err(failure(db, code)),
        };
        if self.statements.len() >= MOST {
            let (_, oldest) = self.statements.remove(0);
            // SAFETY: nobody has it any more: it stood in this list alone, and whoever uses one borrows the list.
            unsafe { ffi::sqlite3_finalize(oldest.0.as_ptr()) };
        }
        self.statements.push((sql.to_owned(), statement));
        Ok(statement)
    }
}

impl Drop for Direct<'_> {
    fn drop(&mut self) {
        for (_, statement) in self.statements.drain(..) {
            // SAFETY: prepared on this handle, finalized once; the connection is open, and locked until the handle is dropped.
            unsafe { ffi::sqlite3_finalize(statement.0.as_ptr()) };
        }
    }
}

/// A statement, for as long as nobody else uses the handle.
pub(super) struct Prepared<'h> {
    db: NonNull<ffi::sqlite3>,
    statement: NonNull<ffi::sqlite3_stmt>,
    handle: PhantomData<&'h mut ()>,
}

/// What a length is for SQLite.
fn length(bytes: usize) -> u64 {
    bytes as u64
}

impl Prepared<'_> {
    /// Binds values to the places of the statement.
    ///
    /// # Safety
    /// The statement is reset. What is bound is not copied: it must live until the last step before the next binding.
    unsafe fn bind(&mut self, values: &[Bind<'_>]) -> Result<(), Error> {
        let statement = self.statement.as_ptr();
        // SAFETY: the statement is live.
        let places = unsafe { ffi::sqlite3_bind_parameter_count(statement) };
        // A place that is left out would have what was bound to it before, which may be gone.
        if usize::try_from(places) != Ok(values.len()) {
            return Err(Error::corrupt("a statement with other places than values"));
        }
        for (place, value) in (1..).zip(values) {
            // SAFETY: as promised. An empty slice has a pointer that is not null.
            let code = unsafe {
                match *value {
                    Bind::Null => ffi::sqlite3_bind_null(statement, place),
                    Bind::Int(int) => ffi::sqlite3_bind_int64(statement, place, int),
                    Bind::Float(float) => ffi::sqlite3_bind_double(statement, place, float),
                    Bind::Text(text) => {
                        let (at, bytes, utf8) = (text.as_ptr().cast(), length(text.len()), ffi::SQLITE_UTF8 as u8);
                        ffi::sqlite3_bind_text64(statement, place, at, bytes, ffi::SQLITE_STATIC(), utf8)
                    }
                    Bind::Bytes(bytes) => {
                        let (at, count) = (bytes.as_ptr().cast(), length(bytes.len()));
                        ffi::sqlite3_bind_blob64(statement, place, at, count, ffi::SQLITE_STATIC())
                    }
                }
            };
            if code != ffi::SQLITE_OK {
                return Err(failure(self.db, code));
            }
        }
        Ok(())
    }

    /// Inserts a row; false where a unique key of it was there, and nothing was changed.
    pub(super) fn insert(&mut self, row: &[Bind<'_>]) -> Result<bool, Error> {
        let statement = self.statement.as_ptr();
        // SAFETY: it is reset before and below; `row` is borrowed until then.
        unsafe { self.bind(row) }?;
        // SAFETY: the statement is live, and every place is bound to something that is borrowed.
        let code = unsafe { ffi::sqlite3_step(statement) };
        // The message goes with the reset.
        let result = match code {
            ffi::SQLITE_DONE => Ok(true),
            _ => Err(failure(self.db, code)),
        };
        // SAFETY: the connection is open and locked.
        let extended = unsafe { ffi::sqlite3_extended_errcode(self.db.as_ptr()) };
        // SAFETY: the statement is live. What the reset answers is the step's error over again.
        unsafe { ffi::sqlite3_reset(statement) };
        if code & 0xff == ffi::SQLITE_CONSTRAINT && extended == ffi::SQLITE_CONSTRAINT_UNIQUE {
            return Ok(false);
        }
        result
    }

    /// Runs the statement, and answers such columns of each of its rows.
    pub(super) fn rows<const N: usize>(
        mut self,
        values: &[Bind<'_>],
        columns: [Kind; N],
    ) -> Result<Vec<[Cell; N]>, Error> {
        // SAFETY: it is reset before, and when `self` is dropped below; `values` are borrowed for longer.
        unsafe { self.bind(values) }?;
        let mut rows = Vec::new();
        loop {
            // SAFETY: the statement is live, and every place is bound.
            match unsafe { ffi::sqlite3_step(self.statement.as_ptr()) } {
                ffi::SQLITE_ROW => {
                    let mut row = [const { Cell::Int(0) }; N];
                    for ((place, kind), cell) in (0..).zip(columns).zip(&mut row) {
                        *cell = self.cell(place, kind)?;
                    }
                    rows.push(row);
                }
                ffi::SQLITE_DONE => return Ok(rows),
                code => return Err(failure(self.db, code)),
            }
        }
    }

    /// Runs the statement, and hands on such columns of each of its rows, where they lie.
    pub(super) fn each(
        mut self,
        values: &[Value],
        columns: &[Kind],
        mut row: impl FnMut(&[Bind<'_>]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let values = values.iter().map(bound).collect::<Result<Vec<_>, _>>()?;
        // SAFETY: it is reset before, and when `self` is dropped below; `values` are borrowed for longer.
        unsafe { self.bind(&values) }?;
        let mut found = Vec::with_capacity(columns.len());
        loop {
            // SAFETY: the statement is live, and every place is bound.
            match unsafe { ffi::sqlite3_step(self.statement.as_ptr()) } {
                ffi::SQLITE_ROW => {
                    for (place, kind) in (0..).zip(columns) {
                        // SAFETY: the statement stands on a row; what is found is dropped before the next step, and each
                        // column is asked for once.
                        found.push(unsafe { self.lying(place, *kind) }?);
                    }
                    row(&found)?;
                    found.clear();
                }
                ffi::SQLITE_DONE => return Ok(()),
                code => return Err(failure(self.db, code)),
            }
        }
    }

    /// A column of the row that the statement stands on, where it lies.
    ///
    /// # Safety
    /// The statement stands on a row, and what is answered is used neither after the next step nor after the column was asked
    /// for again.
    unsafe fn lying<'r>(&self, column: c_int, kind: Kind) -> Result<Bind<'r>, Error> {
        let statement = self.statement.as_ptr();
        // SAFETY: the statement stands on a row.
        if unsafe { ffi::sqlite3_column_type(statement, column) } == ffi::SQLITE_NULL {
            return Ok(Bind::Null);
        }
        if kind == Kind::Int {
            // SAFETY: the statement stands on a row.
            return Ok(Bind::Int(unsafe { ffi::sqlite3_column_int64(statement, column) }));
        }
        // SAFETY: the statement stands on a row; of the bytes are as many there as it says, for as long as is promised. An
        // empty value has no place.
        let bytes: &'r [u8] = unsafe {
            let at = ffi::sqlite3_column_blob(statement, column);
            let count = usize::try_from(ffi::sqlite3_column_bytes(statement, column)).unwrap_or(0);
            match NonNull::new(at.cast_mut()) {
                Some(at) => std::slice::from_raw_parts(at.as_ptr().cast::<u8>(), count),
                None => &[],
            }
        };
        if kind == Kind::Bytes {
            return Ok(Bind::Bytes(bytes));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| Error::corrupt("a text that is not UTF-8"))?;
        Ok(Bind::Text(text))
    }

    /// A column of the row that the statement stands on. One that is NULL is 0 or empty.
    fn cell(&mut self, column: c_int, kind: Kind) -> Result<Cell, Error> {
        let statement = self.statement.as_ptr();
        if kind == Kind::Int {
            // SAFETY: the statement stands on a row.
            return Ok(Cell::Int(unsafe { ffi::sqlite3_column_int64(statement, column) }));
        }
        // SAFETY: the statement stands on a row, and nothing else is asked of the column before its bytes are copied.
        let bytes = unsafe {
            let at = ffi::sqlite3_column_blob(statement, column);
            let count = usize::try_from(ffi::sqlite3_column_bytes(statement, column)).unwrap_or(0);
            match NonNull::new(at.cast_mut()) {
                Some(at) => std::slice::from_raw_parts(at.as_ptr().cast::<u8>(), count).to_vec(),
                None => Vec::new(),
            }
        };
        if kind != Kind::Text {
            return Ok(Cell::Bytes(bytes));
        }
        let text = String::from_utf8(bytes).map_err(|_| Error::corrupt("a text that is not UTF-8"))?;
        Ok(Cell::Text(text))
    }
}

impl Drop for Prepared<'_> {
    fn drop(&mut self) {
        let statement = self.statement.as_ptr();
        // SAFETY: the statement is live. What was bound to it may go from here on.
        unsafe {
            ffi::sqlite3_reset(statement);
            ffi::sqlite3_clear_bindings(statement);
        }
    }
}

/// A value of a statement, where it lies.
fn bound(value: &Value) -> Result<Bind<'_>, Error> {
    match value {
        Value::BigInt(int) => Ok(int.map_or(Bind::Null, Bind::Int)),
        Value::Double(float) => Ok(float.map_or(Bind::Null, Bind::Float)),
        Value::String(text) => Ok(text.as_deref().map_or(Bind::Null, Bind::Text)),
        Value::Bytes(bytes) => Ok(bytes.as_deref().map_or(Bind::Null, Bind::Bytes)),
        other => Err(Error::corrupt(format!("a value that no question has: {other:?}"))),
    }
}

/// The error that the connection just had.
fn failure(db: NonNull<ffi::sqlite3>, code: c_int) -> Error {
    // SAFETY: the connection is open and locked; the message lives until its next call and is copied here.
    let text = unsafe {
        let message = ffi::sqlite3_errmsg(db.as_ptr());
        if message.is_null() {
            "no message".into()
        } else {
            CStr::from_ptr(message).to_string_lossy()
        }
    };
    super::of_code(code.unsigned_abs(), Cause::new(format!("{text} (code {code})")))
}
