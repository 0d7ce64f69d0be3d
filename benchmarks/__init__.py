"""Measures the speed of the service. Each workload is compared with a limit: the result of one part alone, such as Postgres."""
