"""Pay once, lose nothing: long runs under faults and kills. `make stress` runs them, `make test` does not."""
