"""Sentences of a case as linear terms."""
