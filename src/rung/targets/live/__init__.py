"""What is live: accounts, servers and code hosts, asked by read-only calls that the resource packs name; and recordings of them."""
