"""Measures the speed of the service. A workload is compared with a limit: the result of a part alone, such as Postgres."""
