"""What is built from sessions and jobs, without a notebook."""
