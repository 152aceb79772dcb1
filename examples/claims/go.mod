module claimslab

go 1.22
