import Diffusion
import Testing

@Suite struct SamplerTests {
    /// Of the root mean square of the reference's latents at a step: float32 rounding (6e-8), amplified by up to 50 steps
    /// and by divisions by small σ (up to 3e-6), and by the cancellation from σ = 4096 where the schedule starts in pure
    /// noise (up to 7e-5).
    static let maximumError: Float = 1e-4
    /// The same, by root mean square.
    static let rmsError: Float = 5e-5

    /// A smooth stand-in for a network: `network` of scripts/reference/make_sampling_fixtures.py.
    static func network(_ latents: [Float], _ timestep: Float) -> [Float] {
        latents.map {
            let scaled = $0 * 0.8 + 0.05
            return (scaled / (1 + abs(scaled))) * (0.5 + timestep / 1000)
        }
    }

    /// The latents before the first step and after each one, as the reference's pipelines compute them.
    static func trajectory(_ row: JSONValue, configuration: SchedulerConfiguration) throws -> (
        timesteps: [Float], latents: [[Float]]
    ) {
        let kind = try #require(row["sampler"]?.text.flatMap(SamplerKind.init))
        let steps = try #require(row["steps"]?.integer)
        let strength = Float(try #require(row["strength"]?.double))
        let schedule = row["schedule"]?.text.flatMap(ScheduleType.init)
        var sampler = try SamplerKind.make(kind, configuration: configuration, steps: steps, schedule: schedule)

        let count = 24
        var generator = TorchGenerator(seed: UInt64(steps))
        let image = generator.normal(count: count)
        let noise = generator.normal(count: count)
        let start = sampler.start(strength: strength)
        var latents =
            strength < 1
            ? sampler.addNoise(to: image, noise: noise, index: start) : noise.map { $0 * sampler.initialNoiseScale }
        var all = [latents]
        for index in start ..< sampler.timesteps.count {
            let output = network(sampler.scaleInput(latents, index: index), sampler.timesteps[index])
            latents = sampler.step(modelOutput: output, latents: latents, index: index) {
                generator.normal(count: count)
            }
            if row["inpaints"] == .bool(true) {
                let known =
                    index + 1 < sampler.timesteps.count
                    ? sampler.addNoise(to: image, noise: noise, index: index + 1) : image
                for element in 0 ..< count where element % 3 != 0 { latents[element] = known[element] }
            }
            all.append(latents)
        }
        return (sampler.timesteps, all)
    }

    /// Every case: its configuration laid over the base, what the reference computed, and what we compute.
    @Test func stepsAsTheReferenceSteps() throws {
        let reference = try Fixtures.safetensors("parity/sampling/trajectories.safetensors")
        let fixture = try Fixtures.json("parity/sampling/trajectories.json")
        guard case .object(let base)? = fixture["base"] else { throw WeightError.unreadable(file: "", reason: "") }
        let rows = try #require(fixture["cases"]?.list)
        #expect(rows.count > 250)
        for (index, row) in rows.enumerated() {
            guard case .object(let changes)? = row["configuration"] else { continue }
            let members = base.merging(changes) { $1 }
            let configuration = try SchedulerConfiguration(JSONConfiguration(members: members, file: "case \(index)"))
            let (timesteps, latents) = try Self.trajectory(row, configuration: configuration)
            let name = "case \(index), \(row)"
            let expectedTimesteps = try reference.floats("\(index).t")
            try #require(timesteps.count == expectedTimesteps.count, "\(name)")
            // Karras and exponential timesteps lie between whole ones.
            let isSame = zip(timesteps, expectedTimesteps).allSatisfy { abs($0 - $1) <= 1e-3 }
            #expect(isSame, "\(name) \(timesteps) \(expectedTimesteps)")

            let expected = try reference.floats("\(index).x")
            try #require(latents.count * 24 == expected.count, "\(name)")
            for (step, values) in latents.enumerated() {
                let there = expected[step * 24 ..< (step + 1) * 24]
                let difference = zip(values, there).map { $0 - $1 }
                let error = (difference.map(abs).max() ?? 0) / rms(there)
                #expect(error <= Self.maximumError, "\(name) step \(step): \(error)")
                #expect(rms(difference[...]) / rms(there) <= Self.rmsError, "\(name) step \(step)")
                if !(error <= Self.maximumError) { break }
            }
        }
    }

    /// Whatever is asked for, a sampler is made that runs to the end, or an error says why not.
    @Test(arguments: SamplerKind.allCases) func runsToTheEnd(kind: SamplerKind) throws {
        var made = 0
        for spacing in SchedulerConfiguration.TimestepSpacing.allCases {
            for schedule in [nil] + ScheduleType.allCases.map(Optional.some) {
                for steps in [1, 2, 3, 4, 5, 7, 13, 50, 334, 999, 1000] {
                    for skips in [true, false] where skips || kind == .pndm {
                        var configuration = SchedulerConfiguration()
                        configuration.timestepSpacing = spacing
                        configuration.stepsOffset = 1
                        configuration.skipsRungeKuttaSteps = skips
                        do throws(SamplingError) {
                            let sampler = try SamplerKind.make(
                                kind, configuration: configuration, steps: steps, schedule: schedule)
                            made += 1
                            run(sampler, strength: 1, limit: 30)
                            run(sampler, strength: 0.03, limit: 1000)
                        } catch {
                            #expect(error.description.contains(kind.rawValue))
                        }
                    }
                }
            }
        }
        #expect(made > 10)
    }

    /// What made the fuzzer's runs end, and its neighbours: made and run to the end, or refused.
    @Test(arguments: [
        "scheduler-drowned.json", "scheduler-short.json", #"{"num_train_timesteps": 1}"#, #"{"trained_betas": [0.1]}"#,
        #"{"trained_betas": []}"#, #"{"trained_betas": [0, 0, 0.1, 0.1]}"#,
        #"{"num_train_timesteps": 4, "sigma_min": -1, "sigma_max": 1e300}"#,
        #"{"beta_start": 1, "beta_end": 0.5, "beta_schedule": "linear"}"#,
        #"{"steps_offset": 1000000, "timestep_spacing": "leading"}"#,
        #"{"lambda_min_clipped": 1e300, "sigma_min": 0, "use_karras_sigmas": true}"#,
    ])
    func noConfigurationTraps(_ text: String) throws {
        let json =
            try text.hasPrefix("{")
            ? ConfigurationTests.configuration(text) : JSONConfiguration(path: "\(Fixtures.root)/fuzz/\(text)")
        let configuration = try SchedulerConfiguration(json)
        for kind in SamplerKind.allCases {
            for schedule in [nil] + ScheduleType.allCases.map(Optional.some) {
                for steps in [1, 2, 3, 4, 20, 50] {
                    do throws(SamplingError) {
                        let sampler = try SamplerKind.make(
                            kind, configuration: configuration, steps: steps, schedule: schedule)
                        #expect(sampler.timesteps.allSatisfy { $0.isFinite })
                        run(sampler, strength: 0.8, limit: 60, within: -.infinity ... .infinity)
                    } catch {
                        #expect(!error.description.isEmpty)
                    }
                }
            }
        }
    }

    private func run(
        _ sampler: any Sampler, strength: Float, limit: Int, within range: ClosedRange<Float> = 0 ... 1000
    ) {
        var sampler = sampler
        var latents: [Float] = [1]
        let indices = (sampler.start(strength: strength) ..< sampler.timesteps.count).prefix(limit)
        #expect(!indices.isEmpty)
        for index in indices {
            // The reference's offset reaches 1000 where all timesteps are visited.
            #expect(range.contains(sampler.timesteps[index]))
            _ = sampler.addNoise(to: latents, noise: [0.5], index: index)
            latents = sampler.step(modelOutput: [0.1], latents: latents, index: index) { [0.2] }
        }
    }

    @Test func takesTheShareOfStepsThatStrengthAsksFor() throws {
        let sampler = try SamplerKind.make(.euler, configuration: .init(), steps: 10)
        // Python's int(10 * strength): 0.29 of 100 is 28 there.
        let first: [(Float, Int)] = [(1, 0), (0.7, 3), (0.3, 7), (0.75, 3), (0.1, 9), (0.01, 9)]
        for (strength, start) in first { #expect(sampler.start(strength: strength) == start, "\(strength)") }
        let hundred = try SamplerKind.make(.heun, configuration: .init(), steps: 100)
        #expect(hundred.start(strength: 0.29) == (100 - 28) * 2)
    }

    @Test func takesItsKindFromTheModel() throws {
        var configuration = SchedulerConfiguration()
        #expect(throws: SamplingError.unknownScheduler("")) {
            try SamplerKind.make(configuration: configuration, steps: 4)
        }
        configuration.className = "HeunDiscreteScheduler"
        #expect(try SamplerKind.make(configuration: configuration, steps: 4).order == 2)
        configuration.className = "KarrasVeScheduler"
        #expect(throws: SamplingError.unknownScheduler("KarrasVeScheduler")) {
            try SamplerKind.make(configuration: configuration, steps: 4)
        }
        #expect(SamplerKind(schedulerClassName: "DPMSolverMultistepScheduler") == .dpmpp2M)
        #expect(
            SamplerKind(schedulerClassName: "DPMSolverMultistepScheduler", algorithmType: "sde-dpmsolver++")
                == .dpmpp2MSDE)
    }

    @Test func refusesWhatItCannotDo() {
        let configuration = SchedulerConfiguration()
        #expect(throws: SamplingError.stepsOutOfRange(sampler: .euler, steps: 0, allowed: 1 ... 1000)) {
            try SamplerKind.make(.euler, configuration: configuration, steps: 0)
        }
        #expect(throws: SamplingError.stepsOutOfRange(sampler: .lcm, steps: 51, allowed: 1 ... 50)) {
            try SamplerKind.make(.lcm, configuration: configuration, steps: 51)
        }
        #expect(throws: SamplingError.unsupportedSchedule(sampler: .ddim, schedule: .karras)) {
            try SamplerKind.make(.ddim, configuration: configuration, steps: 5, schedule: .karras)
        }
        var other = configuration
        other.unsupported = ["use_flow_sigmas"]
        #expect(throws: SamplingError.unsupportedSetting("use_flow_sigmas")) {
            try SamplerKind.make(.euler, configuration: other, steps: 5)
        }
        other = configuration
        other.betaEnd = 7
        #expect(throws: SamplingError.self) { try SamplerKind.make(.euler, configuration: other, steps: 5) }
        other = configuration
        other.trainedBetas = []
        #expect(throws: SamplingError.self) { try SamplerKind.make(.euler, configuration: other, steps: 5) }
    }

    private func rms(_ values: ArraySlice<Float>) -> Float {
        (values.reduce(0) { $0 + $1 * $1 } / Float(values.count)).squareRoot()
    }
}
