"""Who is there: SASL logins on the listeners that want them."""
