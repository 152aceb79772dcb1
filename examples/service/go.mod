module storefront

go 1.22
