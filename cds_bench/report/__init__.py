"""What readers see: tables, figures and the page. Captions give n, the unit and the protocol."""
