"""Who did what with the records: the audit log of a home; it never keeps anybody out."""
