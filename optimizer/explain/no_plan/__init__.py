"""Why a case has no plan: what collides, and the repairs."""
