"""The application that is deployed; yours to edit."""
