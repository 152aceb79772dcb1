package flow

import (
	"go/constant"
	"go/token"
	"go/types"

	"golang.org/x/tools/go/ssa"
)

const deepest = 8 // of expressions that are compared

// Same says whether two values are equal as long as nothing is written in between: one value, or two that are made in
// the same way of such values, like two reads of one key.
func Same(a, b ssa.Value) bool { return same(a, b, deepest) }

func same(a, b ssa.Value, depth int) bool {
	a, b = plain(a), plain(b)
	if a == b {
		return true
	}
	if depth == 0 || a == nil || b == nil {
		return false
	}
	if x, key, ok := lookup(a); ok {
		y, other, ok := lookup(b)
		return ok && same(x, y, depth-1) && same(key, other, depth-1)
	}
	if x, t, ok := assertion(a); ok {
		y, other, ok := assertion(b)
		return ok && types.Identical(t, other) && same(x, y, depth-1)
	}
	switch a := a.(type) {
	case *ssa.Const:
		b, ok := b.(*ssa.Const)
		return ok && types.Identical(a.Type(), b.Type()) && sameConstant(a.Value, b.Value)
	case *ssa.UnOp:
		b, ok := b.(*ssa.UnOp)
		return ok && a.Op == b.Op && a.Op != token.ARROW && same(a.X, b.X, depth-1)
	case *ssa.BinOp:
		b, ok := b.(*ssa.BinOp)
		return ok && a.Op == b.Op && same(a.X, b.X, depth-1) && same(a.Y, b.Y, depth-1)
	case *ssa.FieldAddr:
		b, ok := b.(*ssa.FieldAddr)
		return ok && a.Field == b.Field && same(a.X, b.X, depth-1)
	case *ssa.Field:
		b, ok := b.(*ssa.Field)
		return ok && a.Field == b.Field && same(a.X, b.X, depth-1)
	case *ssa.IndexAddr:
		b, ok := b.(*ssa.IndexAddr)
		return ok && same(a.X, b.X, depth-1) && same(a.Index, b.Index, depth-1)
	case *ssa.MakeInterface:
		b, ok := b.(*ssa.MakeInterface)
		return ok && types.Identical(a.X.Type(), b.X.Type()) && same(a.X, b.X, depth-1)
	case *ssa.Convert:
		b, ok := b.(*ssa.Convert)
		return ok && types.Identical(a.Type(), b.Type()) && same(a.X, b.X, depth-1)
	}
	return false
}

// Differ says whether two values surely are not equal: two constants.
func Differ(a, b ssa.Value) bool {
	x, ok := unboxed(a).(*ssa.Const)
	y, isToo := unboxed(b).(*ssa.Const)
	return ok && isToo && types.Identical(x.Type(), y.Type()) && !sameConstant(x.Value, y.Value)
}

func unboxed(v ssa.Value) ssa.Value {
	if made, ok := v.(*ssa.MakeInterface); ok {
		return made.X
	}
	return v
}

func sameConstant(a, b constant.Value) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return a.Kind() == b.Kind() && a.ExactString() == b.ExactString()
}

// plain leaves out what changes a value's static type and nothing else.
func plain(v ssa.Value) ssa.Value {
	for {
		v = Unconverted(v)
		asserted, ok := v.(*ssa.TypeAssert)
		if !ok || asserted.CommaOk || !types.IsInterface(asserted.AssertedType) {
			return v
		}
		v = asserted.X
	}
}

// Unconverted leaves out conversions from interface to interface.
func Unconverted(v ssa.Value) ssa.Value {
	for {
		switch changed := v.(type) {
		case *ssa.ChangeInterface:
			v = changed.X
		case *ssa.ChangeType:
			v = changed.X
		default:
			return v
		}
	}
}

// lookup takes m[key] apart, of either form.
func lookup(v ssa.Value) (m, key ssa.Value, ok bool) {
	if extract, is := v.(*ssa.Extract); is && extract.Index == 0 {
		if found, is := extract.Tuple.(*ssa.Lookup); is {
			return found.X, found.Index, true
		}
	}
	if found, is := v.(*ssa.Lookup); is && !found.CommaOk {
		return found.X, found.Index, true
	}
	return nil, nil, false
}

// assertion takes x.(T) apart, of either form.
func assertion(v ssa.Value) (x ssa.Value, t types.Type, ok bool) {
	if extract, is := v.(*ssa.Extract); is && extract.Index == 0 {
		if found, is := extract.Tuple.(*ssa.TypeAssert); is {
			return found.X, found.AssertedType, true
		}
	}
	if found, is := v.(*ssa.TypeAssert); is && !found.CommaOk {
		return found.X, found.AssertedType, true
	}
	return nil, nil, false
}
