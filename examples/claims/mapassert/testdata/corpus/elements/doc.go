// Package elements has a snippet a function for the rule mapassert: each takes an element out of the map it is given.
//
// What follows a line says what is so: want, that the assertion can panic and nothing guards it; strict, that it can
// panic but the element was found to be there, so that only -strict is to find it. Where the rule fails, "missed" or
// "false" say why. Every snippet is run with maps of all kinds too: it has one of these words if it can panic.
package elements
