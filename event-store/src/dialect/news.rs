//! News between processes, where the database carries them: PostgreSQL's NOTIFY and LISTEN.

use sea_orm::{DatabaseConnection, DbErr};

use super::Dialect;

/// Hears what others tell.
pub(crate) struct Ears {
    #[cfg(feature = "postgres")]
    listener: sea_orm::sqlx::postgres::PgListener,
}

impl Ears {
    /// Waits for news, or until the connection was lost and made anew.
    pub(crate) async fn hear(&mut self) -> Result<(), DbErr> {
        #[cfg(feature = "postgres")]
        self.listener.try_recv().await.map_err(super::failure::query)?;
        Ok(())
    }
}

impl Dialect {
    /// Whether the database carries news at all.
    pub(crate) fn carries_news(self) -> bool {
        #[cfg(feature = "postgres")]
        return self == Dialect::Postgres;
        #[cfg(not(feature = "postgres"))]
        false
    }

    /// Tells whoever listens. Nobody waits for the disk: what is lost with the power was no news any more.
    pub(crate) async fn tell(self, db: &DatabaseConnection, channel: &str) -> Result<(), crate::error::Error> {
        let sql = format!("SET LOCAL synchronous_commit TO off; NOTIFY \"{channel}\"");
        sea_orm::ConnectionTrait::execute_unprepared(db, &sql).await?;
        Ok(())
    }

    /// Listens, on a connection of its own.
    pub(crate) async fn listen(self, db: &DatabaseConnection, channel: &str) -> Result<Ears, DbErr> {
        #[cfg(feature = "postgres")]
        {
            use sea_orm::sqlx::postgres::{PgListener, PgPoolOptions};
            let options = db.get_postgres_connection_pool().connect_options();
            let pool = PgPoolOptions::new()
                .max_connections(1)
                .connect_lazy_with(options.as_ref().clone());
            let failed = super::failure::query;
            let mut listener = PgListener::connect_with(&pool).await.map_err(failed)?;
            listener.listen(channel).await.map_err(failed)?;
            Ok(Ears { listener })
        }
        #[cfg(not(feature = "postgres"))]
        {
            let _ = (db, channel);
            Ok(Ears {})
        }
    }
}
