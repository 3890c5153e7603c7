/// The natural logarithm of float32 as NumPy's vectorised code computes it on x86-64 with AVX2 or AVX-512.
///
/// After `simd_log_FLOAT` of NumPy (numpy/_core/src/umath/loops_exponent_log.dispatch.c.src, v2.4.6; BSD-3-Clause, see
/// NOTICE): a quotient of polynomials on √½ …√2. Equal bits on 200 000 numbers. The last bit matters in one place: the
/// first timestep of the exponential schedule is cut to a whole number, and lies at one up to rounding.
func vectorLogarithm(_ x: Float) -> Float {
    precondition(x > 0 && x.isFinite, "the logarithm is taken of positive numbers only")
    var exponent = Float(x.exponent)
    var mantissa = x.significand
    if mantissa > 1.4142135 {
        mantissa *= 0.5
        exponent += 1
    }
    let y = mantissa - 1
    func polynomial(_ coefficients: [Float]) -> Float {
        coefficients.dropFirst().reduce(coefficients[0]) { $1.addingProduct($0, y) }
    }
    let numerator = polynomial([
        2.589979117907922693523e-02, 3.808837741388407920751e-01, 1.480000633576506585156, 2.112677543073053063722,
        9.999999999999998702752e-01, 0,
    ])
    let denominator = polynomial([
        5.875095403124574342950e-03, 1.546476374983906719538e-01, 9.864942958519418960339e-01, 2.453006071784736363091,
        2.612677543073109236779, 1,
    ])
    return (numerator / denominator).addingProduct(exponent, 0.693147180559945309417)
}
