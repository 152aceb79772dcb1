package elements

func Ranged(m map[string]interface{}) interface{} {
	sum := 0
	for _, v := range m {
		sum += v.(int) // want
	}
	return sum
}

func RangedKeys(m map[string]interface{}) interface{} {
	sum := 0
	for k := range m {
		sum += m[k].(int) // want
	}
	return sum
}

func RangedOk(m map[string]interface{}) interface{} {
	sum := 0
	for _, v := range m {
		if n, ok := v.(int); ok {
			sum += n
		}
	}
	return sum
}

func RangedSkip(m map[string]interface{}) interface{} {
	sum := 0
	for _, v := range m {
		if _, ok := v.(int); !ok {
			continue
		}
		sum += v.(int)
	}
	return sum
}

func LastRanged(m map[string]interface{}) interface{} {
	var last interface{} = 0
	for _, v := range m {
		last = v
	}
	return last.(int) // want
}

func RangedNil(m map[string]interface{}) interface{} {
	sum := 0
	for _, v := range m {
		if v != nil {
			sum += v.(int) // strict
		}
	}
	return sum
}

func RangedSlice(m map[string]interface{}) interface{} {
	sum := 0
	for _, v := range []interface{}{1, 2} {
		sum += v.(int)
	}
	return sum
}

func Nested(m map[string]interface{}) interface{} {
	return m["k"].(map[string]interface{})["k"].(int) // want want
}

func NestedFirstOk(m map[string]interface{}) interface{} {
	if inner, ok := m["k"].(map[string]interface{}); ok {
		return inner["k"].(int) // want
	}
	return nil
}

func NestedBothOk(m map[string]interface{}) interface{} {
	inner, _ := m["k"].(map[string]interface{})
	n, _ := inner["k"].(int)
	return n
}

func NestedTyped(m map[string]interface{}) interface{} {
	all := map[string]map[string]interface{}{"k": m}
	return all["k"]["k"].(int) // want
}

func NestedRange(m map[string]interface{}) interface{} {
	sum := 0
	for _, v := range m {
		if inner, ok := v.(map[string]interface{}); ok {
			for _, n := range inner {
				sum += n.(int) // want
			}
		}
	}
	return sum
}

func NestedSwitch(m map[string]interface{}) interface{} {
	switch v := m["k"].(type) {
	case map[string]interface{}:
		return v["k"].(int) // want
	}
	return nil
}
