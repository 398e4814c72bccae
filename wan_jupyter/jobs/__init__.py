"""The life of one job, from its pictures to its video."""
