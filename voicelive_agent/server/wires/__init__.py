"""Wires: one file for each protocol by which turns arrive and answers leave."""
