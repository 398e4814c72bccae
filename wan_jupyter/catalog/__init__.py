"""Providers and models, and the plan that a request becomes."""
