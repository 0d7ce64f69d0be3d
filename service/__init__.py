"""The service: HTTP, access, the log on Postgres and the feeds. One folder per capability."""
