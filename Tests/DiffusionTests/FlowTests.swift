import Testing

@testable import Diffusion

/// `NoisePath.flow`, its schedule and its sampler.
@Suite struct FlowTests {
    /// f32, where the reference rounds between operations and this once.
    private static let tolerance: Float = 1e-6

    /// What `FlowMatchEulerDiscreteScheduler.set_timesteps` of diffusers 0.42.1 makes of these settings.
    private static let references: [(FlowSchedule, [Float])] = [
        // FLUX.2 klein, 512 × 512: `use_dynamic_shifting`, µ = compute_empirical_mu(1024, 4), σ from 1 to 1/4.
        (
            FlowSchedule(steps: 4, to: 0.25, shift: Scalar.exp(2.0306897079499455)),
            [1, 0.9580853581428528, 0.8839818835258484, 0.7174965739250183, 0]
        ),
        (
            FlowSchedule(steps: 5, to: 0.2, shift: Scalar.exp(1.15)),
            [1, 0.9266473650932312, 0.8257016539573669, 0.677986741065979, 0.44119974970817566, 0]
        ),
        // No shift, and `shift` 3, which the scheduler's own levels take twice.
        (
            FlowSchedule(steps: 5, to: 0.001, shift: 1),
            [1, 0.750249981880188, 0.5005000233650208, 0.25075000524520874, 0.0010000000474974513, 0]
        ),
        (
            FlowSchedule(steps: 5, to: FlowSchedule.shifted(0.001, by: 3), shift: 3),
            [1, 0.9003590941429138, 0.7511211037635803, 0.5029850602149963, 0.008928571827709675, 0]
        ),
        // `sigma_min` 0, as the pipeline of Z-Image sets it.
        (
            FlowSchedule(steps: 8, to: 0, shift: 3),
            [
                1, 0.9473684430122375, 0.8823529481887817, 0.800000011920929, 0.692307710647583, 0.5454545617103577,
                0.3333333432674408, 0, 0,
            ]
        ),
    ]

    @Test(arguments: references) func `Levels are those of the reference`(
        schedule: FlowSchedule, expected: [Float]
    ) throws {
        #expect(schedule.sigmas.count == expected.count)
        for (found, expected) in zip(schedule.sigmas, expected) { #expect(abs(found - expected) <= Self.tolerance) }
        let sampler = FlowSampler(schedule)
        #expect(sampler.steps == expected.count - 1 && sampler.timesteps.count == sampler.steps)
        for (timestep, sigma) in zip(sampler.timesteps, expected) {
            #expect(abs(timestep - 1000 * sigma) <= 1000 * Self.tolerance)
        }
    }

    private static let (clean, noise): ([Float], [Float]) = ([0.5, -1.5, 2], [1, -0.5, 0.25])
    private static let velocity = zip(noise, clean).map { $0 - $1 }

    @Test func `The path is straight, and Euler's steps follow it exactly`() throws {
        var sampler = FlowSampler(FlowSchedule(steps: 6, to: 1.0 / 6, shift: 2.5))
        #expect(sampler.level(0) == (0, 1) && sampler.level(6) == (1, 0))
        var latents = Self.noise
        for index in sampler.timesteps.indices {
            let (a, b) = sampler.level(index)
            #expect(abs(a + b - 1) <= Self.tolerance)
            let noised = sampler.addNoise(to: Self.clean, noise: Self.noise, index: index)
            for (found, (clean, noise)) in zip(noised, zip(Self.clean, Self.noise)) {
                #expect(abs(found - ((1 - b) * clean + b * noise)) <= Self.tolerance)
            }
            for (found, expected) in zip(latents, noised) { #expect(abs(found - expected) <= Self.tolerance) }
            latents = sampler.step(modelOutput: Self.velocity, latents: latents, index: index) { [] }
        }
        for (found, clean) in zip(latents, Self.clean) { #expect(abs(found - clean) <= Self.tolerance) }
    }

    @Test func `A velocity tells the clean latents at every level`() throws {
        let sampler = FlowSampler(FlowSchedule(steps: 6, to: 1.0 / 6, shift: 2.5))
        for index in sampler.timesteps.indices {
            let latents = sampler.addNoise(to: Self.clean, noise: Self.noise, index: index)
            let found = sampler.expected(Self.velocity, latents: latents, index: index)
            for (found, clean) in zip(found, Self.clean) { #expect(abs(found - clean) <= 2 * Self.tolerance) }
            let level = VariancePreserving(sampler.level(index))
            let scale = 1 / (level.alpha + level.sigma)
            let signal = NoisePath.flow.signal(
                output: Vector(Self.velocity), latents: Vector(latents.map { $0 / scale }), level: level)
            for (found, clean) in zip(signal.values, Self.clean) {
                #expect(abs(found - level.alpha * clean) <= 2 * Self.tolerance)
            }
        }
    }

    /// `get_timesteps` of pipeline_flux2_klein_inpaint.py, diffusers 0.42.1.
    @Test(
        arguments: [(4, 0.8, 0), (4, 0.75, 1), (10, 0.7, 3), (20, 0.8, 4), (4, 0.1, 3), (4, 1, 0)]
            as [(Int, Float, Int)])
    func `A strength leaves out whole steps`(steps: Int, strength: Float, first: Int) {
        let sampler: any Sampler = FlowSampler(FlowSchedule(steps: steps, to: 1 / Double(steps), shift: 1))
        #expect(sampler.start(strength: strength) == first)
    }
}
