internal import Foundation

/// A mixture of Gaussians with full covariances over colours, each component 0…255.
///
/// Components are first told apart by the binary tree of M. T. Orchard and C. A. Bouman, "Color quantization of images"
/// (1991): the component that varies most is split at its mean across the direction in which it varies.
struct GaussianMixture {
    typealias Color = SIMD3<Float>

    private struct Component {
        var mean = SIMD3<Float>()
        /// Inverse covariance: xx, yy, zz and xy, xz, yz.
        var diagonal = SIMD3<Float>()
        var mixed = SIMD3<Float>()
        /// log of weight / √((2π)³ det Σ)
        var logFactor = -Float.infinity

        func logDensity(_ color: Color) -> Float {
            let d = color - mean
            let form =
                (d * d * diagonal).sum() + 2 * (d.x * d.y * mixed.x + d.x * d.z * mixed.y + d.y * d.z * mixed.z)
            return logFactor - 0.5 * form
        }
    }

    /// First and second moments of some colours.
    private struct Moments {
        var count = 0.0
        var sum = SIMD3<Double>()
        var squares = SIMD3<Double>()
        /// xy, xz, yz
        var products = SIMD3<Double>()

        mutating func add(_ color: Color) {
            let c = SIMD3<Double>(color)
            count += 1
            sum += c
            squares += c * c
            products += SIMD3(c.x * c.y, c.x * c.z, c.y * c.z)
        }

        var mean: SIMD3<Double> { sum / count }
        var variances: SIMD3<Double> { squares / count - mean * mean }
        var covariances: SIMD3<Double> {
            let m = mean
            return products / count - SIMD3(m.x * m.y, m.x * m.z, m.y * m.z)
        }

        /// The largest eigenvalue of the covariance and its direction, by power iteration.
        var principal: (value: Double, direction: SIMD3<Double>) {
            let (v, c) = (variances, covariances)
            var direction = v.x >= v.y && v.x >= v.z ? SIMD3(1.0, 0.1, 0.1) : SIMD3(0.1, v.y >= v.z ? 1 : 0.1, 1)
            var value = 0.0
            for _ in 0 ..< 30 {
                let next = SIMD3(
                    v.x * direction.x + c.x * direction.y + c.y * direction.z,
                    c.x * direction.x + v.y * direction.y + c.z * direction.z,
                    c.y * direction.x + c.z * direction.y + v.z * direction.z)
                value = (next * next).sum().squareRoot()
                guard value > 1e-12 else { return (0, direction) }
                direction = next / value
            }
            return (value, direction)
        }
    }

    /// Added to every variance: rounding to whole samples spreads a colour by about this much, and a flat area must not
    /// become a point.
    private static let leastVariance = 1.0

    private var components: [Component]

    /// Fits `count` components to the colours by splitting, then `iterations` of assigning and fitting anew. Traps on no
    /// colours.
    init(_ colors: [Color], count: Int = 5, iterations: Int = 2) {
        precondition(!colors.isEmpty, "a mixture is fitted to something")
        var assignment = [UInt8](repeating: 0, count: colors.count)
        var moments = [Moments()]
        for color in colors { moments[0].add(color) }
        while moments.count < count {
            let principals = moments.map { $0.count > 1 ? $0.principal : (value: 0, direction: SIMD3<Double>()) }
            guard let widest = principals.indices.max(by: { principals[$0].value < principals[$1].value }),
                principals[widest].value > Self.leastVariance
            else { break }
            let direction = SIMD3<Float>(principals[widest].direction)
            let center = (SIMD3<Float>(moments[widest].mean) * direction).sum()
            var halves = [Moments(), Moments()]
            for (index, color) in colors.enumerated() where assignment[index] == UInt8(widest) {
                let isAbove = (color * direction).sum() > center
                halves[isAbove ? 1 : 0].add(color)
                if isAbove { assignment[index] = UInt8(moments.count) }
            }
            moments[widest] = halves[0]
            moments.append(halves[1])
        }
        components = Self.fitted(moments)
        for _ in 0 ..< iterations { refit(colors) }
    }

    /// Assigns every colour to its likeliest component and fits the components to what they were given (steps 1 and 2 of
    /// GrabCut).
    mutating func refit(_ colors: [Color]) {
        var moments = [Moments](repeating: Moments(), count: components.count)
        for color in colors {
            var best = 0
            var bestDensity = -Float.infinity
            for (index, component) in components.enumerated() {
                let density = component.logDensity(color)
                if density > bestDensity {
                    best = index
                    bestDensity = density
                }
            }
            moments[best].add(color)
        }
        components = Self.fitted(moments)
    }

    /// −log p(color).
    func cost(_ color: Color) -> Float {
        var largest = -Float.infinity
        for component in components { largest = max(largest, component.logDensity(color)) }
        var sum: Float = 0
        for component in components {
            let difference = component.logDensity(color) - largest
            if difference > -12 { sum += expf(difference) }
        }
        return -(largest + logf(sum))
    }

    private static func fitted(_ moments: [Moments]) -> [Component] {
        let total = moments.reduce(0) { $0 + $1.count }
        return moments.filter { $0.count > 0 }.map { moment in
            let v = moment.variances + SIMD3(repeating: leastVariance)
            let c = moment.covariances
            // The inverse of a symmetric matrix by its cofactors.
            let cofactors = SIMD3(v.y * v.z - c.z * c.z, v.x * v.z - c.y * c.y, v.x * v.y - c.x * c.x)
            let mixed = SIMD3(c.y * c.z - c.x * v.z, c.x * c.z - c.y * v.y, c.x * c.y - c.z * v.x)
            let determinant = max(1e-9, v.x * cofactors.x + c.x * mixed.x + c.y * mixed.y)
            var component = Component()
            component.mean = SIMD3<Float>(moment.mean)
            component.diagonal = SIMD3<Float>(cofactors / determinant)
            component.mixed = SIMD3<Float>(mixed / determinant)
            component.logFactor = Float(
                log(moment.count / total) - 0.5 * (3 * log(2 * Double.pi) + log(determinant)))
            return component
        }
    }
}
