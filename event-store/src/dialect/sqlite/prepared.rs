//! One prepared statement on a connection's own handle: the only code of this crate that the
//! compiler cannot check.
//!
//! What it rests on: the lock on the handle keeps sqlx's thread off the connection for as long as
//! the statement lives; the statement is finalized before the lock is released, because it borrows
//! it; and what is bound lives until the step that reads it is done, because `insert` borrows it
//! and resets the statement before it returns (numbers are copied).
#![allow(unsafe_code)]

use std::ffi::{CStr, c_int};
use std::marker::PhantomData;
use std::ptr::{self, NonNull};

use libsqlite3_sys as ffi;
use sea_orm::sqlx::sqlite::LockedSqliteHandle;

use super::super::bind::Bind;
use crate::error::{Cause, Error};

/// A statement, for as long as the handle is locked.
pub(super) struct Prepared<'h> {
    db: NonNull<ffi::sqlite3>,
    statement: NonNull<ffi::sqlite3_stmt>,
    handle: PhantomData<&'h mut ()>,
}

/// What a length is for SQLite.
fn length(bytes: usize) -> u64 {
    bytes as u64
}

impl<'h> Prepared<'h> {
    pub(super) fn new(handle: &'h mut LockedSqliteHandle<'_>, sql: &str) -> Result<Self, Error> {
        let db = handle.as_raw_handle();
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
        match NonNull::new(statement) {
            Some(statement) if code == ffi::SQLITE_OK => Ok(Prepared {
                db,
                statement,
                handle: PhantomData,
            }),
            _ => Err(failure(db, code)),
        }
    }

    /// Inserts a row; false where a unique key of it was there, and nothing was changed.
    pub(super) fn insert(&mut self, row: &[Bind<'_>]) -> Result<bool, Error> {
        let statement = self.statement.as_ptr();
        for (place, value) in (1..).zip(row) {
            // SAFETY: the statement is reset. Texts and bytes are not copied; `row` is borrowed until the
            // statement has run and is reset again below. An empty slice has a pointer that is not null.
            let code = unsafe {
                match *value {
                    Bind::Null => ffi::sqlite3_bind_null(statement, place),
                    Bind::Int(int) => ffi::sqlite3_bind_int64(statement, place, int),
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
}

impl Prepared<'_> {
    /// Runs the statement over numbers, and answers its rows of `N` numbers each.
    pub(super) fn numbers<const N: usize>(mut self, values: &[i64]) -> Result<Vec<[i64; N]>, Error> {
        let statement = self.statement.as_ptr();
        for (place, value) in (1..).zip(values) {
            // SAFETY: the statement is live and has not begun.
            let code = unsafe { ffi::sqlite3_bind_int64(statement, place, *value) };
            if code != ffi::SQLITE_OK {
                return Err(failure(self.db, code));
            }
        }
        let mut rows = Vec::new();
        loop {
            // SAFETY: the statement is live, and every place is bound.
            match unsafe { ffi::sqlite3_step(statement) } {
                ffi::SQLITE_ROW => rows.push(self.row()),
                ffi::SQLITE_DONE => return Ok(rows),
                code => return Err(failure(self.db, code)),
            }
        }
    }

    /// The row that the statement stands on. A column that it does not have is 0.
    fn row<const N: usize>(&mut self) -> [i64; N] {
        let mut place = -1;
        [(); N].map(|()| {
            place += 1;
            // SAFETY: the statement stands on a row.
            unsafe { ffi::sqlite3_column_int64(self.statement.as_ptr(), place) }
        })
    }
}

impl Drop for Prepared<'_> {
    fn drop(&mut self) {
        // SAFETY: made by `new`, finalized once; the connection is still open and locked.
        unsafe { ffi::sqlite3_finalize(self.statement.as_ptr()) };
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
