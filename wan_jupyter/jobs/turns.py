"""Whose turn it is: requests of one account keep to its documented limits, shared with other processes. Floor 4.

Two kernels with one key do not know of each other's requests; each takes its part of the rate, by the number of
living owners that the journal has for the account.
"""

from __future__ import annotations
