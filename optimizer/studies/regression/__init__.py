"""Optimal solutions against those that were blessed."""
