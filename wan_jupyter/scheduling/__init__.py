"""When to send the next request: polling, retries and rate limits."""
