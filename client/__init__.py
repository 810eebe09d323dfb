"""How this agent is talked to; yours to edit."""
