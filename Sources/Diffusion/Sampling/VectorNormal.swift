// After avx_mathfun.h, AVX implementation of sin, cos and log by Giovanni Garberoglio, based on sse_mathfun.h by Julien
// Pommier, which follows the Cephes library; zlib licence; copied into PyTorch as
// aten/src/ATen/native/cpu/avx_mathfun.h (read at v2.15.0). See NOTICE.

/// The Box–Muller transform of sixteen uniforms as PyTorch's AVX2 build computes it.
///
/// PyTorch's compiler fuses some of the products and sums of these polynomials; which ones was found by comparing bits
/// over 320 000 draws (none differs). So every product–sum below is fused or not on purpose.
enum VectorNormal {
    static let width = 16

    /// Replaces sixteen uniforms in 0..<1 by normals: the first eight give radii, the last eight angles.
    static func transform(_ values: inout [Float], at start: Int) {
        for index in start ..< start + width / 2 {
            let radius = (-2 * log(1 - values[index])).squareRoot()
            let (sine, cosine) = sineAndCosine(Float(2 * Double.pi) * values[index + width / 2])
            values[index] = radius * cosine
            values[index + width / 2] = radius * sine
        }
    }

    /// The polynomial by Horner's rule, every step fused, highest coefficient first.
    private static func polynomial(_ coefficients: [Float], at x: Float) -> Float {
        coefficients.dropFirst().reduce(coefficients[0]) { $1.addingProduct($0, x) }
    }

    private static let logarithm: [Float] = [
        7.0376836292E-2, -1.1514610310E-1, 1.1676998740E-1, -1.2420140846E-1, 1.4249322787E-1, -1.6668057665E-1,
        2.0000714765E-1, -2.4999993993E-1, 3.3333331174E-1,
    ]

    /// The natural logarithm of a positive normal number (`log256_ps`).
    private static func log(_ argument: Float) -> Float {
        let bits = argument.bitPattern
        // argument = mantissa · 2^exponent, mantissa in √½ ..< √2.
        var exponent = Float(Int(bits >> 23) - 127) + 1
        var x = Float(bitPattern: bits & 0x007F_FFFF | 0x3F00_0000)
        if x < 0.707106781186547524 {
            exponent -= 1
            x += x - 1
        } else {
            x -= 1
        }
        let square = x * x
        var y = polynomial(logarithm, at: x) * x
        y = (exponent * -2.12194440e-4).addingProduct(y, square)
        y = y.addingProduct(-square, 0.5)
        return (x + y).addingProduct(exponent, 0.693359375)
    }

    private static let sine: [Float] = [-1.9515295891E-4, 8.3321608736E-3, -1.6666654611E-1]
    private static let cosine: [Float] = [2.443315711809948E-005, -1.388731625493765E-003, 4.166664568298827E-002]

    /// Sine and cosine of an angle that is not negative (`sincos256_ps`).
    private static func sineAndCosine(_ angle: Float) -> (sine: Float, cosine: Float) {
        // The octant, made even; x is the angle less that many quarters of π, in three parts to keep its low bits.
        let octant = (Int32(angle * 1.27323954473516) + 1) & ~1
        let y = Float(octant)
        var x = angle
        for part in [-0.78515625, -2.4187564849853515625e-4, -3.77489497744594108e-8] as [Float] {
            x.addProduct(y, part)
        }
        let square = x * x
        let near = (-(square * 0.5)).addingProduct(polynomial(cosine, at: square) * square, square) + 1
        let far = x.addingProduct(polynomial(sine, at: square) * square, x)

        let isSwapped = octant & 2 != 0
        let sine = isSwapped ? near : far
        let cosine = isSwapped ? far : near
        return (octant & 4 != 0 ? -sine : sine, (octant &- 2) & 4 == 0 ? -cosine : cosine)
    }
}
