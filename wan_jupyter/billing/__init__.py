"""Money: amounts, prices, budgets."""
