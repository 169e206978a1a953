"""Why this plan: prices and binding rules; or why there is none, and what would mend it."""
