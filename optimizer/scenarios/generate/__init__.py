"""Drawn futures: each driver from what data and a stated prior say of it, then few scenarios that stand for many. Arrays in, arrays out."""
