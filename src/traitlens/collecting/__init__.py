"""From a contract's address to a collection on disk: chain, gateways, providers, hostile input."""
