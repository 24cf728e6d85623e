"""How many steps a bound asks for, at any length; the best schedule; loss curves."""
