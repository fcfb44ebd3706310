"""What readers see: tables and figures with captions that say n, unit and protocol."""
