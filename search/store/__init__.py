"""A study on disk: events, database, records, and who may write them."""
