"""The world: the log on Postgres, the feeds on the wire, and who may knock. One folder a capability."""
