package hotformat

import (
	"go/constant"
	"go/types"
	"strings"

	"golang.org/x/tools/go/ssa"
)

// isNamed says whether a format prints nothing of an argument but its type or its address.
func isNamed(call ssa.CallInstruction, given argument) bool {
	verbs, ok := verbsOf(call)
	return ok && given.place >= 0 && given.place < int64(len(verbs)) && strings.ContainsRune("Tp", verbs[given.place])
}

// verbsOf are the verbs of a call's format, one an argument; not of a format that says itself which argument it means.
func verbsOf(call ssa.CallInstruction) (verbs []rune, ok bool) {
	for _, each := range call.Common().Args {
		format, isConstant := each.(*ssa.Const)
		if !isConstant || format.Value == nil || format.Value.Kind() != constant.String {
			continue
		}
		text := constant.StringVal(format.Value)
		isVerb := false
		for _, r := range text {
			switch {
			case !isVerb:
				isVerb = r == '%'
			case r == '*' || r == '[':
				return nil, false
			case strings.ContainsRune("+-# 0123456789.", r):
			default:
				if r != '%' {
					verbs = append(verbs, r)
				}
				isVerb = false
			}
		}
		return verbs, strings.HasSuffix(call.Common().StaticCallee().Name(), "f")
	}
	return nil, false
}

// saysItself says whether values of t have a method by which fmt or encoding/json has their text, and walk nothing.
func saysItself(call ssa.CallInstruction, t types.Type) bool {
	var names []string
	switch call.Common().StaticCallee().Pkg.Pkg.Path() {
	case "fmt", "log":
		names = []string{"Error", "String", "Format"}
	case "encoding/json":
		names = []string{"MarshalJSON", "MarshalText"}
	}
	methods := types.NewMethodSet(t)
	for _, name := range names {
		if methods.Lookup(nil, name) != nil {
			return true
		}
	}
	return false
}
