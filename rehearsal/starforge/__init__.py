"""The application of the rehearsal: schema, API, ETL worker and the load on them."""
