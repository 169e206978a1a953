"""Price files of markets and of the Bitcoin network, brought into one layout; what is wrong in them is told with its line."""
